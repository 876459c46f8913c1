"""`playproof latency`: how long a row takes from the producer to the tables, at a tenth, half and nine tenths of the
highest rate that the job keeps up with."""
