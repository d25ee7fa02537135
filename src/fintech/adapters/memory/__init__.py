"""Every port in memory, dependable enough for anyone's tests: the same contract suites run on it as on the rest."""
