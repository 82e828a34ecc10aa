"""The kiosk: a full-screen page on which visitors fly missions, one after the other."""
