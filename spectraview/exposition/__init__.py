"""How the service tells what it has noted: the metrics of all its processes as one page."""
