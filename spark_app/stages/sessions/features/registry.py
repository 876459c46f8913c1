"""All features of a session, by name.

A feature is one public function in a module of this folder, and one entry of the same name in `contracts/features.py`.
A test compares the two lists.
"""

import inspect
from collections.abc import Callable
from types import ModuleType

from runtime.arrays import Floats
from spark_app.stages.sessions.features import account, clients, listening, place, repetition, timing
from spark_app.stages.sessions.session_batch import SessionBatch

SessionFeature = Callable[[SessionBatch], Floats]


def functions_of(*modules: ModuleType) -> dict[str, Callable[..., Floats]]:
    """Return the public functions that the modules themselves define, by name, in the order of their definition."""
    return {
        name: function
        for module in modules
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }


FEATURES: dict[str, SessionFeature] = {
    **functions_of(listening, repetition, timing, place, clients),
    **clients.CLIENT_SHARES,
}
"""Features of a session's own rows. User-days have most of them too: the same functions, over the rows of a day."""
ACCOUNT_FEATURES: dict[str, account.AccountFeature] = functions_of(account)
"""Features that need the account's static row as well."""
