"""The doors: HTTP, command line, worker, and the composition of the core for each deployment."""
