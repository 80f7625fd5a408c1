"""A library as a process: it is told lines and answers each with one (worker.hpp says which). While another one is timed it
is stopped, so that threads of its pool that still wait for work, busily, take no time from that one."""
import atexit
import math
import os
import signal
import subprocess


class Library:
    """Started for a number of threads; `absent` says why it cannot be measured, if it cannot."""

    def __init__(self, key, command, threads, folder):
        self.key, self.name, self.version, self.absent = key, key, "", ""
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        self.process = subprocess.Popen([*command, str(threads), str(folder)], text=True, env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        atexit.register(self.process.kill)  # a stopped one would not see that the run was broken off
        word, _, rest = self.answer().partition(" ")
        if word == "ready":
            self.name, _, self.version = rest.partition(" ")
        else:
            self.absent = rest or "it does not start"

    def answer(self):
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, line):
        """The answer; "" from a process that has ended."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return ""
        return self.answer()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def nanoseconds(self, untimed, repetitions):
        """Of a call."""
        answer = self.ask(f"time {untimed} {repetitions}")
        return int(answer) / repetitions if answer else math.inf

    def end(self):
        self.go_on()
        self.process.communicate()
