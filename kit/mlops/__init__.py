"""The model's workshop: signs, drawn pictures, training, evaluation and export.

``signs`` draws the sign faces, ``scene`` puts them into pictures, ``dataset`` keeps the
pictures, ``network`` is the model, ``training`` teaches it, ``export`` writes it as ONNX and
``evaluate`` measures any detector on labelled photos.
"""
