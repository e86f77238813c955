"""What the commands of the command line do: requests, runs on disk, progress. Sits on top of everything else."""
