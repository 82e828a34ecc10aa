"""The model behind the Open Inference Protocol: ``runtime`` in MLServer, ``server`` starts it.

``runtime`` is the only module that imports MLServer, which lives in an environment of its own.
The client is `kit.vision.remote`.
"""
