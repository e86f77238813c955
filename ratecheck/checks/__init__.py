"""One file a kind of evidence: each takes a claim and cells and returns verdicts."""
