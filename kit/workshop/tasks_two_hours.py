"""The exercises of the two hours: where they stand, what helps, how they are checked."""

from __future__ import annotations

import math

from kit.workshop import cases
from kit.workshop.exercise import Exercise
from kit.workshop.texts import Text


def near(result: object, wanted: object) -> bool:
    """Tell whether a number is another one, but for rounding."""
    number = isinstance(result, int | float) and not isinstance(result, bool)
    return number and math.isclose(float(result), float(wanted), abs_tol=1e-9)  # type: ignore[arg-type]


TWO_HOURS = (
    Exercise(
        name="middle_of",
        notebook="10_capture_frames",
        hints=(
            Text(
                en="Is the picture too wide for 3:2, or too tall? Compare width * 2 with "
                "height * 3.",
                fr="L'image est-elle trop large pour du 3:2, ou trop haute ? Comparez "
                "width * 2 et height * 3.",
            ),
            Text(
                en="If it is too wide, keep height * 3 // 2 columns, and all rows.",
                fr="Si elle est trop large, gardez height * 3 // 2 colonnes et toutes les lignes.",
            ),
            Text(
                en="What is left over is shared: x is (width - kept) // 2.",
                fr="Le reste se partage : x vaut (width - kept) // 2.",
            ),
        ),
        look_at=Text(
            en="the paragraph above the exercise: which side is cut?",
            fr="le paragraphe au-dessus de l'exercice : quel côté est coupé ?",
        ),
        cases=cases.crops,
    ),
    Exercise(
        name="overlap",
        notebook="20_detect_signs",
        hints=(
            Text(
                en="Find the left and right edge of what both boxes share: the larger of the "
                "left edges, the smaller of the right ones.",
                fr="Trouvez les bords gauche et droit de la partie commune : le plus grand des "
                "bords gauches, le plus petit des bords droits.",
            ),
            Text(
                en="A width that comes out negative means that they do not meet: use max(0, ...).",
                fr="Une largeur négative signifie qu'elles ne se rencontrent pas : utilisez "
                "max(0, ...).",
            ),
            Text(
                en="Divide by the sum of both areas less what is shared.",
                fr="Divisez par la somme des deux aires, moins la partie commune.",
            ),
        ),
        look_at=Text(
            en="the picture of two boxes: x and y are the top left corner.",
            fr="l'image des deux boîtes : x et y sont le coin en haut à gauche.",
        ),
        cases=cases.boxes,
        close=near,
    ),
    Exercise(
        name="enough_votes",
        notebook="30_decide_the_action",
        hints=(
            Text(
                en="seen[-of:] are the newest ones.",
                fr="seen[-of:] donne les plus récents.",
            ),
            Text(
                en="True counts as 1: sum(...) counts the yes votes.",
                fr="True compte pour 1 : sum(...) compte les « oui ».",
            ),
        ),
        look_at=Text(
            en="the table of the first decisions: when does it stop?",
            fr="le tableau des premières décisions : quand le train s'arrête-t-il ?",
        ),
        cases=cases.votes,
    ),
    Exercise(
        name="motor_message",
        notebook="40_control_the_train",
        hints=(
            Text(
                en="Only two of the eight bytes change: the port and the power.",
                fr="Seuls deux des huit octets changent : le port et la puissance.",
            ),
            Text(
                en="percent % 256, or percent & 0xFF, is the two's complement of one byte.",
                fr="percent % 256, ou percent & 0xFF, donne le complément à deux sur un octet.",
            ),
            Text(
                en="bytes([8, 0, 0x81, port, 0x11, 0x51, 0, ...]) with the power at the end.",
                fr="bytes([8, 0, 0x81, port, 0x11, 0x51, 0, ...]) avec la puissance à la fin.",
            ),
        ),
        look_at=Text(
            en="the eight bytes above, from left to right.",
            fr="les huit octets ci-dessus, de gauche à droite.",
        ),
        cases=cases.messages,
    ),
    Exercise(
        name="newest",
        notebook="50_stream_to_the_console",
        hints=(
            Text(
                en="max(pictures, key=...) finds the newest; mind the empty list.",
                fr="max(pictures, key=...) trouve la plus récente ; attention à la liste vide.",
            ),
            Text(
                en="Then compare now_ms less its time with most_ms.",
                fr="Comparez ensuite now_ms moins son heure avec most_ms.",
            ),
        ),
        look_at=Text(
            en="'latest frame wins' in the text above.",
            fr="« la dernière image gagne » dans le texte ci-dessus.",
        ),
        cases=cases.newest,
    ),
    Exercise(
        name="points",
        notebook="70_view_the_leaderboard",
        hints=(
            Text(
                en="Before the finish there is nothing to earn: return 0.0.",
                fr="Avant la fin, rien à gagner : retournez 0.0.",
            ),
            Text(
                en="One-time bonus: bonus + (nominal_end - done) / step.",
                fr="Bonus unique : bonus + (nominal_end - done) / step.",
            ),
            Text(
                en="Accelerator: (at - done) / step. The score is the sum of both.",
                fr="Accélérateur : (at - done) / step. Le score est la somme des deux.",
            ),
        ),
        look_at=Text(
            en="the formula above, and the two plots.",
            fr="la formule ci-dessus, et les deux graphiques.",
        ),
        cases=cases.points,
        close=near,
    ),
)
"""In the order of their notebooks."""
