"""Makes speech/sentences.npz: whole English announcements with what they say, and which seconds of speech.npz calibrate.

Needs the Debian package asterisk-core-sounds-en-wav 1.6.1: apt-get installs it. What is said stands in core-sounds-en.txt of
the upstream package (as those sounds CC BY-SA 3.0); these are sentences of 2 to 5 s without numerals from there.
"""

import numpy as np

from explorer.models import assets, speech
from explorer.models.training.speech import FOLDERS, SOUNDS, read

SAID = {
    "agent-newlocation": "Please enter a new extension, followed by pound.",
    "agent-pass": "Please enter your password followed by the pound key.",
    "auth-incorrect": "Password incorrect. Please enter your password followed by the pound key.",
    "cannot-complete-as-dialed": "Your call cannot be completed as dialed.",
    "check-number-dial-again": "Please check the number and dial again.",
    "conf-getchannel": "Please enter the channel number followed by the pound key.",
    "conf-invalidpin": "That pin is invalid for this conference.",
    "conf-kicked": "You have been kicked from this conference",
    "conf-noempty": "No empty conferences currently exist.",
    "conf-placeintoconf": "You will now be placed into the conference.",
    "conf-waitforleader": "The conference will begin when the leader arrives.",
    "confbridge-lock-no-join": "The conference is currently locked and cannot be joined.",
    "confbridge-pin-bad": "You have entered too many invalid personal identification numbers.",
    "confbridge-removed": "You have been removed from the conference.",
    "demo-echodone": "The echo test has been completed.",
    "demo-nomatch": "I'm sorry there are no matches for those keywords",
    "dir-nomore": "There are no more compatible entries in the directory.",
    "feature-not-avail-line": "That feature is not available on this line.",
    "followme/pls-hold-while-try": "please hold while I try to locate the person you are calling",
    "followme/sorry": "I'm sorry, but I was unable to locate the person you are calling",
    "pls-hold-while-try": "Please hold while we try to connect you.",
    "priv-callpending": "I have a caller waiting, who introduces themselves as:",
    "priv-recordintro": "At the tone, please say your name.",
    "privacy-prompt": "Please enter your phone number, starting with the area code.",
    "privacy-unident": "The party you are trying to reach does not accept unidentified calls.",
    "simul-call-limit-reached": "Simultaneous call limit reached.",
    "speed-dial-empty": "The speed dial entry you've accessed is empty.",
    "tt-monkeysintro": "They have been carried away by monkeys",
    "tt-weasels": "Weasels have eaten our phone system",
    "vm-helpexit": "Press star for help or pound to exit.",
    "vm-invalidpassword": "That is not a valid password. Please try again.",
    "vm-mailboxfull": "sorry but the user's mail box can't accept more messages",
    "vm-msgforwarded": "Your message has been successfully forwarded.",
    "vm-nobodyavail": "Nobody is available to take your call at the moment",
    "vm-tempremoved": "Your temporary greeting has been removed",
    "vm-whichbox": "To leave a message, please enter a mailbox number.",
}


def main() -> None:
    sounds = [read(SOUNDS / FOLDERS[0] / f"{name}.wav") for name in SAID]
    whole = b"".join(speech.encode(sound).tobytes() for sound in sounds)
    seconds, labels = assets.read_arrays("speech/speech.npz", "test", "labels")
    english = [i for i in np.flatnonzero(labels == 0) if seconds[i].tobytes() not in whole]
    assets.write_sounds(
        "speech/sentences.npz",
        sounds=np.frombuffer(whole, np.uint8),
        lengths=np.int64([len(sound) for sound in sounds]),
        said=np.frombuffer("\n".join(SAID.values()).encode(), np.uint8),
        calibration=np.int64(english),
    )


if __name__ == "__main__":
    main()
