"""The exercises for who has a day: where they stand, what helps, how they are checked."""

from __future__ import annotations

from kit.workshop import cases_day as cases
from kit.workshop.exercise import Exercise
from kit.workshop.tasks_two_hours import near
from kit.workshop.texts import Text


def _same_or_near(result: object, wanted: object) -> bool:
    return result is None if wanted is None else near(result, wanted)


DAY = (
    Exercise(
        name="shared_scenes",
        notebook="60_acquire_the_data",
        hints=(
            Text(
                en="First get the scene from one name: 'old_hall_0003.jpg' is of 'old_hall'.",
                fr="Tirez d'abord la scène d'un nom : « old_hall_0003.jpg » est de « old_hall ».",
            ),
            Text(
                en="name.rsplit('_', 1)[0] is what stands before the last underscore.",
                fr="name.rsplit('_', 1)[0] donne ce qui précède le dernier tiret bas.",
            ),
            Text(
                en="Make a set of scenes for each part: {... for name in train}. What two sets "
                "share is one & other.",
                fr="Faites un ensemble de scènes par partie : {... for name in train}. Ce que deux "
                "ensembles partagent est un & autre.",
            ),
        ),
        look_at=Text(
            en="the two neighbours above: which part of their names is the same?",
            fr="les deux voisines ci-dessus : quelle partie de leurs noms est la même ?",
        ),
        cases=cases.parts,
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
        name="signs_in",
        notebook="63_serve_the_model",
        hints=(
            Text(
                en="zip(outputs['class_ids'], outputs['scores']) goes through the signs.",
                fr="zip(outputs['class_ids'], outputs['scores']) parcourt les panneaux.",
            ),
            Text(
                en="A class id is a place in labels: labels[0] is the first one.",
                fr="Un class_id est une place dans labels : labels[0] est le premier.",
            ),
            Text(
                en="The box of the sign number n is outputs['boxes'][4 * n : 4 * n + 4], counted "
                "from 0; enumerate(...) counts.",
                fr="La boîte du panneau numéro n est outputs['boxes'][4 * n : 4 * n + 4], compté "
                "à partir de 0 ; enumerate(...) compte.",
            ),
        ),
        look_at=Text(
            en="the answer above: how many numbers has each of the three tensors?",
            fr="la réponse ci-dessus : combien de nombres a chacun des trois tenseurs ?",
        ),
        cases=cases.answers,
    ),
    Exercise(
        name="flickers",
        notebook="64_close_the_loop",
        hints=(
            Text(
                en="Look at three frames at a time: the one before, the one itself, the next.",
                fr="Regardez trois images à la fois : la précédente, elle-même, la suivante.",
            ),
            Text(
                en="range(1, len(seen) - 1) leaves out the first and the last.",
                fr="range(1, len(seen) - 1) laisse de côté la première et la dernière.",
            ),
            Text(
                en="It flickers where seen[n - 1] != seen[n] and seen[n] != seen[n + 1].",
                fr="Il clignote là où seen[n - 1] != seen[n] et seen[n] != seen[n + 1].",
            ),
        ),
        look_at=Text(
            en="the text above the exercise: does a sign come, go and come back?",
            fr="le texte au-dessus de l'exercice : un panneau vient, part et revient-il ?",
        ),
        cases=cases.sightings,
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
                fr="Python compte à partir de 0 : la valeur de rang n est sorted(values)[n - 1].",
            ),
        ),
        look_at=Text(
            en="the example with ten values above the exercise.",
            fr="l'exemple à dix valeurs au-dessus de l'exercice.",
        ),
        cases=cases.percentiles,
        close=near,
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
"""In the order of their notebooks."""
