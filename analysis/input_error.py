"""The one kind of error that the user can repair: names the file, and says what to do. Exit status 2."""


class InputError(Exception):
    pass
