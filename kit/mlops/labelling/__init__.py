"""Labels for harvested frames: by a person in a notebook, or by the virtual set, which knows.

``session`` goes through a harvest, ``widget`` shows it in a notebook, ``growing`` keeps the labels
after each photo, and ``truth`` tells what really stood before the virtual camera.
"""
