"""Telling the leaderboard what a learner has solved, when one is named and can be reached."""

from __future__ import annotations

from kit.config import Settings
from kit.errors import KitError
from kit.workshop.folder import Progress
from kit.workshop.texts import Text

PATIENCE_S = 2.0
"""How long a learner waits for the leaderboard, seconds; what it does not take is told later."""


def report(progress: Progress, settings: Settings) -> Text | None:
    """Claim what is solved and was not claimed yet.

    Args:
        progress: Of a learner; ``reported`` grows by what the leaderboard has taken.
        settings: Name the leaderboard and the learner's token.

    Returns:
        What to tell the learner; None if no leaderboard is named or there is nothing to claim.
    """
    if settings.leaderboard_url is None or settings.leaderboard_token is None:
        return None
    solved = [name for name, done in progress.done.items() if done.outcome == "solved"]
    waiting = [name for name in solved if name not in progress.reported]
    if not waiting:
        return None
    try:
        from kit.leaderboard.client import Participant
    except ImportError:
        return Text(
            en="The leaderboard was not told: install runaway-train-kit[leaderboard].",
            fr="Le classement n'a pas été averti : installez runaway-train-kit[leaderboard].",
        )
    try:
        token = settings.leaderboard_token.get_secret_value()
        with Participant(settings.leaderboard_url, token, patience_s=PATIENCE_S) as me:
            for name in waiting:
                me.claim(name)
                progress.reported.append(name)
    except KitError as error:
        return Text(
            en=f"The leaderboard has not taken it yet; the next check tries again. ({error})",
            fr="Le classement ne l'a pas encore pris ; la prochaine vérification réessaiera. "
            f"({error})",
        )
    return Text(en="The leaderboard knows.", fr="Le classement est au courant.")
