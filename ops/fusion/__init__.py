"""What the fusion is fitted on besides the shipped scores: scores without a family, scores of masked sources."""
