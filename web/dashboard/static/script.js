"use strict";
// What a pointer reveals. Everything else works without this file.

// Below a chart: whose bar the pointer is on, of which month, and the exact figure.
for (const figure of document.querySelectorAll("figure")) {
    const told = figure.querySelector(".pointed");
    figure.querySelector("svg")?.addEventListener("pointerover", event => {
        const title = event.target.querySelector?.("title") ?? event.target.parentNode.querySelector("title");
        told.textContent = event.target.tagName === "rect" && title ? title.textContent : "";
    });
}

// Beside a request: a button that copies it.
for (const code of document.querySelectorAll(".request code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
    });
    code.closest("details").append(button);
}
