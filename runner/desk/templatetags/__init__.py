"""Tags and filters of the desk's templates; all of them are there without `{% load %}`."""
