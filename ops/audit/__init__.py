"""False alarms on a person's own export, in one command: files to rows, sessions, user-days and alarms."""
