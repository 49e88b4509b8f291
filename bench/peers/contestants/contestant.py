"""What all contestants have in common."""


class Contestant:
    """One that is measured. `start` leaves `question` and `processes` behind, with everything signed in."""

    name = version = asked = ""
    is_ours = behind_nginx = False
    # What is fetched for it, as it is told before.
    fetches = ""

    def __init__(self, place, options):
        self.place, self.options = place, options
        self.processes, self.question, self.folder = [], None, None

    def prepare(self):
        """Installs what is needed and makes its folder."""
        self.folder = self.place.scratch(type(self).__name__.lower())

    def cpu(self):
        return sum(process.cpu() for process in self.processes)

    def resident(self):
        return sum(process.resident() for process in self.processes)

    def stop(self):
        while self.processes:
            self.processes.pop().stop()
