"""What the kit's pages share: where they listen, how they are served, what every answer carries."""
