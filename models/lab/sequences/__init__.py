"""Detectors of sequences of actions: Markov chains, hidden Markov models, recurrent and adversarial networks.

A sequence is a session: of the Markov generator's log, or a client session of a music world's activity. The protocol is
the lab's: fitted on some accounts, thresholds from others, measured on others still, with intervals by account. The
networks need the optional packages of `playproof[lab]`.
"""
