"""The flight recorder: weeks of packets in a ring; the minutes around a failure are kept as a case.

    capture -> ring of segments (packets, secrets, events) -> each is examined -> triggers -> cases

``loop`` does it; ``ring`` has the segments, ``inbox`` the lines that the program writes, ``examiner`` the
process that analyses and makes cases, ``triggers`` what a case is to be made of, ``control`` what others ask
of a running recorder.
"""
