"""What can be built: the catalogue, the devices and the health of the service."""
