"""The stream: one socket per page, facts in order, pictures in their newest version."""
