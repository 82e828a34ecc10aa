"""The console: a page that shows, far from the train, what it sees, decides and does.

Everything it knows comes from Kafka. A thread reads the events (``feed``), the newest of each
train are kept (``trains``), and every browser gets them over a WebSocket (``app``), as fast as
it can take them and never more.
"""
