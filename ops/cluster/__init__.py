"""A Spark cluster that shares nothing but a bucket and Kafka, on one machine: what is lost when parts of it fail?"""
