"""What must be there before the job starts: a broker that answers, and every topic."""

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from contracts.topics import TOPICS, VERDICTS
from spark_app.errors import PreflightError

NEEDED = [name for name in TOPICS if name != VERDICTS]
ANSWERS_WITHIN_MS = 10_000
"""kafka-python would try for 30 s before it says that nobody is there."""


def check_topics(broker: str, security: dict[str, str]) -> None:
    """Raise PreflightError where the broker does not answer or a topic is missing."""
    options = {key.replace(".", "_"): value for key, value in security.items()}
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=broker, request_timeout_ms=15_000, bootstrap_timeout_ms=ANSWERS_WITHIN_MS, **options
        )
    except KafkaError as error:
        raise PreflightError(f"no Kafka broker answers at {broker} ({type(error).__name__}): run  make up") from None
    try:
        there = consumer.topics()
    finally:
        consumer.close()
    missing = [name for name in NEEDED if name not in there]
    if missing:
        raise PreflightError(f"topic {', '.join(missing)} does not exist at {broker}: run  python -m producer topics")
