"""What a delay of the network adds to a step of several processes: python benchmarks/delay.py.

Needs root: every process gets a namespace of its own, whose packets this program passes on after the delay (one way),
because not every kernel can delay packets by itself. Compares with the relay without a delay, and prints how many times
the delay is part of a step.
"""

import fcntl
import heapq
import os
import select
import socket
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import partial

import numpy as np
from scaling import SIZES, parameters, run, step_seconds

TUNSETIFF, TUN_WITHOUT_HEADER = 0x400454CA, 0x1001
MTU = 9000
DELAYS = (0.0, 0.005, 0.02)


@contextmanager
def delayed(count, delay):
    """Give the commands that start a program in each of `count` namespaces, whose packets take `delay` seconds."""
    names = [f"dlkit{number}" for number in range(count)]
    devices, stop = [], threading.Event()
    try:
        for number, name in enumerate(names):
            run("ip", "netns", "add", name)
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            devices.append(device)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", f"{name}t".encode(), TUN_WITHOUT_HEADER))
            run("ip", "link", "set", f"{name}t", "netns", name)
            run("ip", "-n", name, "addr", "add", f"10.77.0.{number + 1}/24", "dev", f"{name}t")
            run("ip", "-n", name, "link", "set", f"{name}t", "mtu", str(MTU), "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
        relay = threading.Thread(target=pass_on, args=(devices, delay, stop))
        relay.start()
        try:
            yield [["ip", "netns", "exec", name] for name in names]
        finally:
            stop.set()
            relay.join()
    finally:
        for device in devices:
            os.close(device)
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def pass_on(devices, delay, stop):
    """Pass packets on to the device of their destination, `delay` seconds after they were sent."""
    waiting, number = [], 0
    places = {socket.inet_aton(f"10.77.0.{index + 1}"): device for index, device in enumerate(devices)}
    while not stop.is_set():
        pause = 0.05 if not waiting else max(0.0, waiting[0][0] - time.monotonic())
        ready, _, _ = select.select(devices, [], [], min(pause, 0.05))
        now = time.monotonic()
        for device in ready:
            try:
                while True:
                    packet = os.read(device, MTU + 100)
                    target = places.get(packet[16:20])
                    if packet[0] >> 4 == 4 and target is not None:
                        number += 1
                        heapq.heappush(waiting, (now + delay, number, target, packet))
            except BlockingIOError:
                continue
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, target, packet = heapq.heappop(waiting)
            os.write(target, packet)


def main():
    """Measure, and print the slope."""
    units = SIZES[0]
    for count in (2, 4):
        found = []
        for delay in DELAYS:
            found.append(step_seconds(count, units, partial(delayed, delay=delay)))
            step = f"{1000 * found[-1]:.1f} ms a step"
            print(f"{count} processes, {parameters(units):,} parameters, {1000 * delay:.0f} ms: {step}", flush=True)
        slope = np.polyfit(DELAYS, found, 1)[0]
        print(f"  a step takes {slope:.1f} times the delay more")


if __name__ == "__main__":
    main()
