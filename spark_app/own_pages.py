"""Spark's own pages. They have no login, so no site may reach them from a browser here under a name of its own."""

from pyspark.sql import SparkSession

NAMES = ("127.0.0.1", "localhost", "[::1]")
"""Names of this machine for itself."""
CONNECTOR = "@Spark"
"""How Spark calls the connector that all its pages answer at."""


def answer_own_names_only(spark: SparkSession) -> None:
    """Let the pages answer requests for the names of loopback, and no others; without pages do nothing.

    A site whose name is pointed at this machine after its page was loaded counts as the same site to a browser, and
    could read them.
    """
    pages = spark.sparkContext._jsc.sc().ui()
    if pages.isEmpty():
        return
    # both add pages, of SQL and of streaming: there are no others later
    spark._jsparkSession.sharedState()
    spark._jsparkSession.streams()
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    names = gateway.new_array(gateway.jvm.String, len(NAMES))
    for at, name in enumerate(NAMES):
        names[at] = name + CONNECTOR
    handlers = pages.get().getHandlers()
    for at in range(handlers.size()):
        handlers.apply(at).setVirtualHosts(names)
