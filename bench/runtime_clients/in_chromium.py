"""Chromium without a window, told what to do as driven.py: in_chromium.py CHROMIUM PORT. With its sandbox."""

import sys

from playwright.sync_api import sync_playwright

EXECUTABLE, PORT = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=EXECUTABLE, chromium_sandbox=True)
    page = None
    print("ready", flush=True)
    for word in sys.stdin:
        if word == "new\n" or page is None:
            page = browser.new_context(ignore_https_errors=True).new_page()
        answer = page.goto(f"https://localhost:{PORT}/")
        print(answer.status if answer else None, flush=True)
    browser.close()
