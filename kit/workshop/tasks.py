"""The exercises of the notebooks: where they stand, what helps, how they are checked."""

from __future__ import annotations

import math
from collections.abc import Mapping

from kit.workshop import cases
from kit.workshop.exercise import Exercise
from kit.workshop.texts import Text


def _near(result: object, wanted: object) -> bool:
    number = isinstance(result, int | float) and not isinstance(result, bool)
    return number and math.isclose(float(result), float(wanted), abs_tol=1e-9)  # type: ignore[arg-type]


def _same_or_near(result: object, wanted: object) -> bool:
    return result is None if wanted is None else _near(result, wanted)


EXERCISES: Mapping[str, Exercise] = {
    one.name: one
    for one in (
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
                    fr="Si elle est trop large, gardez height * 3 // 2 colonnes et toutes les "
                    "lignes.",
                ),
                Text(
                    en="What is left over is shared: x is (width - kept) // 2.",
                    fr="Le reste se partage : x vaut (width - kept) // 2.",
                ),
            ),
            look_at=Text(
                en="the paragraph above the exercise, and ADR 0003.",
                fr="le paragraphe au-dessus de l'exercice, et l'ADR 0003.",
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
                    en="A width that comes out negative means that they do not meet: use "
                    "max(0, ...).",
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
            close=_near,
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
            name="may_replace",
            notebook="62_compare_models",
            hints=(
                Text(
                    en="First compare the sets of classes: new.keys() == old.keys().",
                    fr="Comparez d'abord les classes : new.keys() == old.keys().",
                ),
                Text(
                    en="Then all(...) over the classes, each against the old one's less tolerance.",
                    fr="Puis all(...) sur les classes, chacune face à l'ancienne moins tolerance.",
                ),
            ),
            look_at=Text(en="the gate's rules above.", fr="les règles de promotion ci-dessus."),
            cases=cases.gates,
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
            close=_near,
        ),
        Exercise(
            name="percentile",
            notebook="80_measure_and_break_it",
            hints=(
                Text(
                    en="sorted(values) puts the smallest first; count from there.",
                    fr="sorted(values) met la plus petite en premier ; comptez à partir d'elle.",
                ),
                Text(
                    en="How many values is that percentage of len(values), rounded up? "
                    "math.ceil(...) rounds up.",
                    fr="Combien de valeurs font ce pourcentage de len(values), arrondi vers le "
                    "haut ? math.ceil(...) arrondit vers le haut.",
                ),
                Text(
                    en="Python counts from 0, so the value of rank n is sorted(values)[n - 1].",
                    fr="Python compte à partir de 0 : la valeur de rang n est "
                    "sorted(values)[n - 1].",
                ),
            ),
            look_at=Text(
                en="the example with ten values above the exercise.",
                fr="l'exemple à dix valeurs au-dessus de l'exercice.",
            ),
            cases=cases.percentiles,
            close=_near,
        ),
        Exercise(
            name="ran_on_ms",
            notebook="80_measure_and_break_it",
            hints=(
                Text(
                    en="Go through the moments in order; skip those before fault_ms.",
                    fr="Parcourez les moments dans l'ordre ; sautez ceux d'avant fault_ms.",
                ),
                Text(
                    en="It stands where abs(speed) < 0.005: then return at_ms - fault_ms.",
                    fr="Il est arrêté quand abs(speed) < 0.005 : retournez alors at_ms - fault_ms.",
                ),
                Text(
                    en="Only after the loop is it certain that the train never stood: return None.",
                    fr="Ce n'est qu'après la boucle que l'on sait que le train ne s'est jamais "
                    "arrêté : retournez None.",
                ),
            ),
            look_at=Text(
                en="the lower half of the plots above: where does the line reach zero?",
                fr="la moitié inférieure des graphiques : où la ligne atteint-elle zéro ?",
            ),
            cases=cases.rides,
            close=_same_or_near,
        ),
    )
}
"""Every exercise by its name."""
