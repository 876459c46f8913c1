"""The root of the errors that a person meets: JobError, one clear line each.

JobError
├── PreflightError   something the job needs is not there: broker, topic, static table
└── StateError       checkpoint and output do not belong together, or to this code
"""

from runtime.errors import PlayproofError


class JobError(PlayproofError):
    """The job cannot go on; the message names the thing, what was expected and what to do."""


class PreflightError(JobError):
    """Something the job needs before it starts is missing."""


class StateError(JobError):
    """A world's checkpoints, output and this code do not fit together."""
