"""How events travel: MQTT on the train, Kafka beyond it, and brokers when none is named."""
