"""Vision: `cameras` give pictures, `detector` finds signs in them, `overlay` shows them."""
