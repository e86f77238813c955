"""What a claim assumes and a part declares, measured: constants, laws, arrival orders, independence of the samples."""
