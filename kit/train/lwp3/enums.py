"""The protocol's numbers, under the names of the specification.

Source: https://lego.github.io/lego-ble-wireless-protocol-docs/
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Self

SERVICE_UUID = "00001623-1212-efde-1623-785feabcd123"
"""GATT service of every LEGO hub, also in its advertisement."""

CHARACTERISTIC_UUID = "00001624-1212-efde-1623-785feabcd123"
"""The service's only characteristic: messages are written to it and notified by it."""

COMPANY_ID = 0x0397
"""LEGO's number in the manufacturer data of an advertisement."""

MAX_NAME_BYTES = 14
"""Longest advertised name, in bytes of UTF-8."""


class OpenEnum(IntEnum):
    """Numbers of which new ones appear: one that is not known here keeps its number."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= 0xFFFF:
            return None
        unknown = int.__new__(cls, value)
        unknown._name_ = f"UNKNOWN_{value:02X}"
        unknown._value_ = value
        member = cls._value2member_map_.setdefault(value, unknown)
        assert isinstance(member, cls)
        return member


class MessageType(IntEnum):
    """Third byte of every message."""

    HUB_PROPERTY = 0x01
    HUB_ACTION = 0x02
    HUB_ALERT = 0x03
    HUB_ATTACHED_IO = 0x04
    GENERIC_ERROR = 0x05
    HW_NETWORK = 0x08
    FIRMWARE_UPDATE_MODE = 0x10
    FIRMWARE_LOCK = 0x11
    FIRMWARE_LOCK_STATUS_REQUEST = 0x12
    FIRMWARE_LOCK_STATUS = 0x13
    PORT_INFORMATION_REQUEST = 0x21
    PORT_MODE_INFORMATION_REQUEST = 0x22
    PORT_INPUT_FORMAT_SETUP = 0x41
    PORT_INPUT_FORMAT_SETUP_COMBINED = 0x42
    PORT_INFORMATION = 0x43
    PORT_MODE_INFORMATION = 0x44
    PORT_VALUE = 0x45
    PORT_VALUE_COMBINED = 0x46
    PORT_INPUT_FORMAT = 0x47
    PORT_INPUT_FORMAT_COMBINED = 0x48
    VIRTUAL_PORT_SETUP = 0x61
    PORT_OUTPUT_COMMAND = 0x81
    PORT_OUTPUT_COMMAND_FEEDBACK = 0x82


class HubProperty(IntEnum):
    """What a hub can tell about itself."""

    ADVERTISING_NAME = 0x01
    BUTTON = 0x02
    FIRMWARE_VERSION = 0x03
    HARDWARE_VERSION = 0x04
    RSSI = 0x05
    BATTERY_VOLTAGE = 0x06  # a percentage in spite of its name
    BATTERY_TYPE = 0x07
    MANUFACTURER_NAME = 0x08
    RADIO_FIRMWARE_VERSION = 0x09
    PROTOCOL_VERSION = 0x0A
    SYSTEM_TYPE = 0x0B
    HW_NETWORK_ID = 0x0C
    PRIMARY_MAC = 0x0D
    SECONDARY_MAC = 0x0E
    HW_NETWORK_FAMILY = 0x0F


class PropertyOperation(IntEnum):
    """What to do with a property; ``UPDATE`` alone comes from the hub."""

    SET = 0x01
    ENABLE_UPDATES = 0x02
    DISABLE_UPDATES = 0x03
    RESET = 0x04
    REQUEST_UPDATE = 0x05
    UPDATE = 0x06


class SystemType(OpenEnum):
    """Which hub it is."""

    WEDO2 = 0x00
    DUPLO_TRAIN = 0x20
    BOOST = 0x40
    CITY = 0x41
    HANDSET = 0x42
    MARIO = 0x43
    LUIGI = 0x44
    PEACH = 0x45
    TECHNIC = 0x80
    TECHNIC_LARGE = 0x81
    TECHNIC_SMALL = 0x83


class BatteryType(IntEnum):
    """What the hub runs on."""

    NORMAL = 0x00
    RECHARGEABLE = 0x01


class HubAction(IntEnum):
    """Actions asked of the hub (below 0x30) and announced by it."""

    SWITCH_OFF = 0x01
    DISCONNECT = 0x02
    VCC_PORT_ON = 0x03
    VCC_PORT_OFF = 0x04
    BUSY_ON = 0x05
    BUSY_OFF = 0x06
    SWITCH_OFF_AT_ONCE = 0x2F
    WILL_SWITCH_OFF = 0x30
    WILL_DISCONNECT = 0x31
    WILL_ENTER_BOOT_MODE = 0x32


class AlertType(IntEnum):
    """What a hub can warn of."""

    LOW_VOLTAGE = 0x01
    HIGH_CURRENT = 0x02
    LOW_SIGNAL = 0x03
    OVER_POWER = 0x04


class AlertOperation(IntEnum):
    """What to do with an alert; ``UPDATE`` alone comes from the hub."""

    ENABLE_UPDATES = 0x01
    DISABLE_UPDATES = 0x02
    REQUEST_UPDATE = 0x03
    UPDATE = 0x04


class AlertStatus(IntEnum):
    """Whether the alert is on."""

    OK = 0x00
    ALERT = 0xFF


class IoEvent(IntEnum):
    """What happened at a port."""

    DETACHED = 0x00
    ATTACHED = 0x01
    ATTACHED_VIRTUAL = 0x02


class IoType(OpenEnum):
    """Kinds of device; a City hub has those of ports A and B, 0x14, 0x15 and 0x17."""

    MEDIUM_MOTOR = 0x01
    TRAIN_MOTOR = 0x02
    BUTTON = 0x05
    LIGHT = 0x08
    VOLTAGE = 0x14
    CURRENT = 0x15
    PIEZO = 0x16
    RGB_LIGHT = 0x17
    TILT_SENSOR = 0x22
    MOTION_SENSOR = 0x23
    COLOUR_DISTANCE_SENSOR = 0x25
    TACHO_MOTOR = 0x26
    HUB_MOTOR = 0x27
    HUB_TILT = 0x28
    DUPLO_TRAIN_MOTOR = 0x29
    DUPLO_TRAIN_BEEPER = 0x2A
    DUPLO_TRAIN_COLOUR = 0x2B
    DUPLO_TRAIN_SPEED = 0x2C
    TECHNIC_LARGE_MOTOR = 0x2E
    TECHNIC_XL_MOTOR = 0x2F
    SPIKE_MEDIUM_MOTOR = 0x30
    SPIKE_LARGE_MOTOR = 0x31
    HANDSET_BUTTON = 0x37
    HANDSET_SIGNAL = 0x38
    SPIKE_COLOUR_SENSOR = 0x3D
    SPIKE_DISTANCE_SENSOR = 0x3E
    SPIKE_FORCE_SENSOR = 0x3F
    TECHNIC_MEDIUM_ANGULAR_MOTOR = 0x4B
    TECHNIC_LARGE_ANGULAR_MOTOR = 0x4C


class ErrorCode(IntEnum):
    """Why the hub refused a message."""

    ACK = 0x01
    MACK = 0x02
    BUFFER_OVERFLOW = 0x03
    TIMEOUT = 0x04
    COMMAND_NOT_RECOGNISED = 0x05
    INVALID_USE = 0x06
    OVERCURRENT = 0x07
    INTERNAL_ERROR = 0x08


class PortInformationType(IntEnum):
    """What is asked about a port."""

    PORT_VALUE = 0x00
    MODE_INFO = 0x01
    MODE_COMBINATIONS = 0x02


class PortCapabilities(IntFlag):
    """What a port's device can do."""

    OUTPUT = 0x01
    INPUT = 0x02
    COMBINABLE = 0x04
    SYNCHRONISABLE = 0x08


class ModeInformationType(IntEnum):
    """What is asked about a mode of a port's device."""

    NAME = 0x00
    RAW = 0x01
    PERCENT = 0x02
    SI = 0x03
    SYMBOL = 0x04
    MAPPING = 0x05
    INTERNAL = 0x06
    MOTOR_BIAS = 0x07
    CAPABILITY_BITS = 0x08
    VALUE_FORMAT = 0x80


class Mapping(IntFlag):
    """How a mode takes or gives its values."""

    DISCRETE = 0x04
    RELATIVE = 0x08
    ABSOLUTE = 0x10
    SECOND_VERSION = 0x40
    NULL = 0x80


class CombinedSetup(IntEnum):
    """Steps of reading several modes of a device together."""

    SET = 0x01
    LOCK = 0x02
    UNLOCK_ENABLED = 0x03
    UNLOCK_DISABLED = 0x04
    RESET = 0x06


class Switch(IntEnum):
    """A byte that is on or off."""

    OFF = 0x00
    ON = 0x01


class DataFormat(IntEnum):
    """Type of one number of a mode's value."""

    INT8 = 0x00
    INT16 = 0x01
    INT32 = 0x02
    FLOAT = 0x03


class Startup(IntEnum):
    """Upper half of an output command's flags."""

    BUFFER = 0x00
    IMMEDIATE = 0x10


class Completion(IntEnum):
    """Lower half of an output command's flags."""

    NO_ACTION = 0x00
    FEEDBACK = 0x01


class OutputSubcommand(IntEnum):
    """What an output command asks of a motor or light."""

    START_POWER = 0x01
    START_POWER_2 = 0x02
    SET_ACCELERATION_TIME = 0x05
    SET_DECELERATION_TIME = 0x06
    START_SPEED = 0x07
    START_SPEED_2 = 0x08
    START_SPEED_FOR_TIME = 0x09
    START_SPEED_FOR_TIME_2 = 0x0A
    START_SPEED_FOR_DEGREES = 0x0B
    START_SPEED_FOR_DEGREES_2 = 0x0C
    GOTO_ABSOLUTE_POSITION = 0x0D
    GOTO_ABSOLUTE_POSITION_2 = 0x0E
    PRESET_ENCODER = 0x13
    PRESET_ENCODER_2 = 0x14
    WRITE_DIRECT = 0x50
    WRITE_DIRECT_MODE_DATA = 0x51


class Feedback(IntFlag):
    """What became of an output command."""

    IN_PROGRESS = 0x01
    COMPLETED = 0x02
    DISCARDED = 0x04
    IDLE = 0x08
    BUSY = 0x10


class Colour(IntEnum):
    """Colours of the hub's RGB light in mode 0."""

    OFF = 0
    PINK = 1
    PURPLE = 2
    BLUE = 3
    LIGHT_BLUE = 4
    CYAN = 5
    GREEN = 6
    YELLOW = 7
    ORANGE = 8
    RED = 9
    WHITE = 10


class Port(OpenEnum):
    """Ports of a City hub; it numbers virtual ones itself."""

    A = 0x00
    B = 0x01
    RGB_LIGHT = 0x32
    CURRENT = 0x3B
    VOLTAGE = 0x3C
