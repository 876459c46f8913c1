"""What every package runs on: settings, worlds, tables, the JVM, Spark's progress, Kafka clients, time.

It is imported before numpy, whose functions for AVX-512 round exp, log and powers differently from those that all other
processors have. Without them the same seed gives the same bytes on every x86 machine. A variable that is set stays.
"""

import os
import platform

if platform.machine().lower() in ("x86_64", "amd64"):
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4")
