"""Every message that can be, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from kit.train.lwp3 import combined_messages as combined
from kit.train.lwp3 import hub_messages as hub
from kit.train.lwp3 import output_messages as output
from kit.train.lwp3 import port_messages as port
from kit.train.lwp3.enums import (
    AlertOperation,
    AlertStatus,
    AlertType,
    CombinedSetup,
    Completion,
    ErrorCode,
    Feedback,
    HubAction,
    IoEvent,
    IoType,
    MessageType,
    ModeInformationType,
    OutputSubcommand,
    Port,
    PortCapabilities,
    PortInformationType,
    PropertyOperation,
    Startup,
)
from kit.train.lwp3.values import FACT_LENGTHS

BYTE = st.integers(0, 255)
WORD = st.integers(0, 0xFFFF)
LONG = st.integers(0, 0xFFFFFFFF)
PORT = BYTE.map(Port)
FEEDBACK = st.integers(1, 0x1F).map(Feedback)


def blob(lengths: int | range) -> st.SearchStrategy[bytes]:
    """Bytes of a right length."""
    right = range(lengths, lengths + 1) if isinstance(lengths, int) else lengths
    return st.sampled_from(right).flatmap(lambda n: st.binary(min_size=n, max_size=n))


@st.composite
def properties(draw: st.DrawFn) -> hub.HubPropertyMessage:
    what = draw(st.sampled_from(sorted(hub.PROPERTY_OPERATIONS)))
    operation = draw(st.sampled_from(sorted(hub.PROPERTY_OPERATIONS[what])))
    carries = operation in {PropertyOperation.SET, PropertyOperation.UPDATE}
    value = draw(blob(hub._VALUE_LENGTHS[what])) if carries else b""
    return hub.HubPropertyMessage(what, operation, value)


@st.composite
def output_commands(draw: st.DrawFn) -> output.PortOutputCommand:
    what = draw(st.sampled_from(OutputSubcommand))
    return output.PortOutputCommand(
        draw(PORT),
        what,
        draw(blob(output._PARAMETER_LENGTHS[what])),
        draw(st.sampled_from(Startup)),
        draw(st.sampled_from(Completion)),
    )


@st.composite
def mode_facts(draw: st.DrawFn) -> port.ModeInformation:
    what = draw(st.sampled_from(ModeInformationType))
    return port.ModeInformation(draw(PORT), draw(BYTE), what, draw(blob(FACT_LENGTHS[what])))


ATTACHED = st.one_of(
    st.builds(hub.AttachedIoMessage, PORT, st.just(IoEvent.DETACHED)),
    st.builds(hub.AttachedIoMessage, PORT, st.just(IoEvent.ATTACHED), WORD.map(IoType), LONG, LONG),
    st.builds(
        hub.AttachedIoMessage,
        PORT,
        st.just(IoEvent.ATTACHED_VIRTUAL),
        WORD.map(IoType),
        joined=st.tuples(PORT, PORT),
    ),
)
ALERTS = st.one_of(
    st.builds(
        hub.HubAlertMessage,
        st.sampled_from(AlertType),
        st.sampled_from(sorted(set(AlertOperation) - {AlertOperation.UPDATE})),
    ),
    st.builds(
        hub.HubAlertMessage,
        st.sampled_from(AlertType),
        st.just(AlertOperation.UPDATE),
        st.sampled_from(AlertStatus),
    ),
)
_NIBBLE = st.integers(0, 15)
_STEPS = sorted(set(CombinedSetup) - {CombinedSetup.SET})
COMBINED_SETUP = st.one_of(
    st.builds(combined.PortInputFormatSetupCombined, PORT, st.sampled_from(_STEPS)),
    st.builds(
        combined.PortInputFormatSetupCombined,
        PORT,
        st.just(CombinedSetup.SET),
        BYTE,
        st.lists(st.tuples(_NIBBLE, _NIBBLE), min_size=1, max_size=16).map(tuple),
    ),
)
ACTIONS = st.builds(hub.HubActionMessage, st.sampled_from(HubAction))
ERRORS = st.builds(
    hub.GenericErrorMessage,
    st.one_of(st.sampled_from(MessageType), st.sampled_from([0x00, 0x77, 0xFF])),
    st.sampled_from(ErrorCode),
)
PORT_REQUESTS = st.builds(port.PortInformationRequest, PORT, st.sampled_from(PortInformationType))
PORT_FACTS = st.builds(
    port.PortInformation, PORT, st.integers(0, 15).map(PortCapabilities), BYTE, WORD, WORD
)
COMBINATIONS = st.builds(port.PortModeCombinations, PORT, st.lists(WORD, max_size=8).map(tuple))
MODE_REQUESTS = st.builds(
    port.ModeInformationRequest, PORT, BYTE, st.sampled_from(ModeInformationType)
)
INPUT_SETUPS = st.builds(port.PortInputFormatSetup, PORT, BYTE, LONG, st.booleans())
INPUT_FORMATS = st.builds(port.PortInputFormat, PORT, BYTE, LONG, st.booleans())
VALUES = st.builds(port.PortValue, PORT, blob(range(1, 33)))
COMBINED_VALUES = st.builds(combined.PortValueCombined, PORT, WORD, blob(range(1, 33)))
COMBINED_FORMATS = st.builds(combined.PortInputFormatCombined, PORT, _NIBBLE, st.booleans(), WORD)
VIRTUAL_PORTS = st.builds(
    output.VirtualPortSetup, st.lists(PORT, min_size=1, max_size=2).map(tuple)
)
FEEDBACKS = st.builds(
    output.PortOutputFeedback,
    st.lists(st.tuples(PORT, FEEDBACK), min_size=1, max_size=3).map(tuple),
)

EVERY_KIND = {
    "hub property": properties(),
    "hub action": ACTIONS,
    "hub alert": ALERTS,
    "attached": ATTACHED,
    "error": ERRORS,
    "port information request": PORT_REQUESTS,
    "port information": PORT_FACTS,
    "port mode combinations": COMBINATIONS,
    "mode information request": MODE_REQUESTS,
    "mode information": mode_facts(),
    "input format setup": INPUT_SETUPS,
    "input format setup, combined": COMBINED_SETUP,
    "input format": INPUT_FORMATS,
    "input format, combined": COMBINED_FORMATS,
    "port value": VALUES,
    "port value, combined": COMBINED_VALUES,
    "virtual port setup": VIRTUAL_PORTS,
    "output command": output_commands(),
    "output feedback": FEEDBACKS,
}
"""Messages by kind."""
