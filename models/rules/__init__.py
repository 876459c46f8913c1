"""Rules at run time: their language, versions and states, back-test, and what the job reads of them."""
