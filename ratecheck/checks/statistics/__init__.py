"""Statistics of runs that know nothing of claims: bets, fits, bands, comparisons, moments of traces."""
