"""Recurrent and adversarial networks over sequences (JAX, flax, optax): small, and trained in seconds on a CPU.

All read a sequence as one-hot rows, the pad among them, through a gated recurrent unit (Cho et al. 2014).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from models.lab.sequences.chains import Scorer
from models.lab.sequences.table import MAX_LENGTH, PAD, Sequences
from runtime.arrays import Floats

WIDTH, UNITS, NOISE = 16, 32, 8
"""Width of the input layer, recurrent units, noise of the generator at each step: choices."""
BATCH, STEPS, LEARNING_RATE = 128, 400, 4e-3
TEMPERATURE = 0.7
"""Of the generator's relaxed draws (Gumbel-softmax, Jang et al. 2017)."""
SCORED = 2_048
"""Sequences that are scored at once."""

Batch = Callable[[np.random.Generator], Any]


def _network(outputs: int) -> Any:
    return nn.Sequential([nn.Dense(WIDTH), nn.tanh, nn.RNN(nn.GRUCell(UNITS)), nn.Dense(outputs)])


def _one_hot(codes: Any, n: int) -> Any:
    return jax.nn.one_hot(codes, n)


def _train(parameters: Any, loss: Callable[..., Any], batch: Batch, rng: np.random.Generator) -> Any:
    """Minimise a loss(parameters, batch) by Adam."""
    optimiser = optax.adam(LEARNING_RATE)

    def step(parameters: Any, state: Any, drawn: Any) -> Any:
        updates, state = optimiser.update(jax.grad(loss)(parameters, drawn), state)
        return optax.apply_updates(parameters, updates), state

    compiled, state = jax.jit(step), optimiser.init(parameters)
    for _ in range(STEPS):
        parameters, state = compiled(parameters, state, batch(rng))
    return parameters


def _start(network: Any, width: int, rng: np.random.Generator) -> Any:
    return network.init(jax.random.key(int(rng.integers(2**31))), jnp.zeros((1, MAX_LENGTH, width)))


def _scores(function: Callable[[Any], Any], rows: Sequences) -> Floats:
    """Apply a compiled function of codes to all rows, in pieces of one size."""
    padded = np.pad(rows.codes, ((0, -len(rows) % SCORED), (0, 0)))
    pieces = [np.asarray(function(padded[at : at + SCORED])) for at in range(0, len(padded), SCORED)]
    return np.concatenate(pieces)[: len(rows)].astype(np.float64) if pieces else np.empty(0)


def next_action(train: Sequences, rng: np.random.Generator) -> Scorer:
    """Fit a network that foretells the next action, without labels; the score is its mean surprise."""
    n = train.n_actions + 1
    network = _network(n)

    def surprise(parameters: Any, codes: Any) -> Any:
        before = jnp.pad(codes[:, :-1], ((0, 0), (1, 0)))
        logits = jax.nn.log_softmax(network.apply(parameters, _one_hot(before, n)))
        own = jnp.take_along_axis(logits, codes[..., None].astype(int), axis=-1)[..., 0]
        # the first pad after the end counts, the others say nothing
        counted = (codes != PAD) | (before != PAD)
        return -(own * counted).sum(axis=1) / jnp.maximum(counted.sum(axis=1), 1)

    def draw(rng: np.random.Generator) -> Any:
        return train.codes[rng.integers(0, len(train), BATCH)]

    parameters = _train(_start(network, n, rng), lambda p, codes: surprise(p, codes).mean(), draw, rng)
    compiled = jax.jit(lambda codes: surprise(parameters, codes))
    return lambda rows: _scores(compiled, rows)


def _realness(network: Any, parameters: Any, inputs: Any) -> Any:
    """Return one number a sequence: the mean of the network's outputs over all steps."""
    return network.apply(parameters, inputs)[..., 0].mean(axis=1)


def classifier(train: Sequences, rng: np.random.Generator) -> Scorer:
    """Fit a network that tells fraud from honest sessions by their labels; each batch is half fraud."""
    n = train.n_actions + 1
    network = _network(1)
    kinds = [np.flatnonzero(train.label == value) for value in (0, 1)]
    label = np.repeat([0.0, 1.0], BATCH // 2)

    def loss(parameters: Any, codes: Any) -> Any:
        return optax.sigmoid_binary_cross_entropy(_realness(network, parameters, _one_hot(codes, n)), label).mean()

    def draw(rng: np.random.Generator) -> Any:
        return train.codes[np.concatenate([rng.choice(rows, BATCH // 2) for rows in kinds])]

    parameters = _train(_start(network, n, rng), loss, draw, rng)
    compiled = jax.jit(lambda codes: _realness(network, parameters, _one_hot(codes, n)))
    return lambda rows: _scores(compiled, rows)


def adversarial(train: Sequences, rng: np.random.Generator) -> Scorer:
    """Fit a generator of sessions against a critic (Goodfellow et al. 2014), without labels.

    The score is the critic's doubt that a session is real: it learns what real ones look like from made-up ones only.
    """
    n = train.n_actions + 1
    critic, generator = _network(1), _network(n)

    def relaxed_draws(parameters: Any, drawn: Any) -> Any:
        logits = generator.apply(parameters, drawn["noise"])
        return jax.nn.softmax((logits + drawn["gumbel"]) / TEMPERATURE)

    def critic_loss(parameters: Any, generated: Any, drawn: Any) -> Any:
        real = _realness(critic, parameters, _one_hot(drawn["codes"], n))
        false = _realness(critic, parameters, relaxed_draws(generated, drawn))
        return (jax.nn.softplus(-real) + jax.nn.softplus(false)).mean()

    def generator_loss(parameters: Any, critical: Any, drawn: Any) -> Any:
        return jax.nn.softplus(-_realness(critic, critical, relaxed_draws(parameters, drawn))).mean()

    optimiser = optax.adam(LEARNING_RATE, b1=0.5)

    def step(pair: Any, states: Any, drawn: Any) -> Any:
        (critical, generated), (critic_state, generator_state) = pair, states
        change, critic_state = optimiser.update(jax.grad(critic_loss)(critical, generated, drawn), critic_state)
        critical = optax.apply_updates(critical, change)
        change, generator_state = optimiser.update(
            jax.grad(generator_loss)(generated, critical, drawn), generator_state
        )
        return (critical, optax.apply_updates(generated, change)), (critic_state, generator_state)

    pair = _start(critic, n, rng), _start(generator, NOISE, rng)
    states = optimiser.init(pair[0]), optimiser.init(pair[1])
    compiled_step = jax.jit(step)
    for _ in range(STEPS):
        drawn = {
            "codes": train.codes[rng.integers(0, len(train), BATCH)],
            "noise": rng.standard_normal((BATCH, MAX_LENGTH, NOISE), dtype=np.float32),
            "gumbel": rng.gumbel(size=(BATCH, MAX_LENGTH, n)).astype(np.float32),
        }
        pair, states = compiled_step(pair, states, drawn)
    compiled = jax.jit(lambda codes: -_realness(critic, pair[0], _one_hot(codes, n)))
    return lambda rows: _scores(compiled, rows)
