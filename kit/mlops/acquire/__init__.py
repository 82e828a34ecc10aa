"""Annotated photos from elsewhere: read, checked, mapped to our classes, split and described.

``importing`` reads what other tools wrote and reports what is broken, ``classes`` maps their
names to ours, ``splitting`` keeps scenes together, ``card`` describes a set and checks the
description, ``keeping`` saves it, and ``crops`` makes training pictures of it.
"""
