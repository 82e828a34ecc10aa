"""What the virtual camera sees, part by part: view, light, room, table, rails, signs, sensor."""
