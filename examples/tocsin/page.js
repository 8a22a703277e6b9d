"use strict";

const byId = id => document.getElementById(id);
const count = n => n.toLocaleString("en-US");
const two = n => String(n).padStart(2, "0");
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
}

/* The number above, what it is below. */
function addTile(number, what, className) {
    const tile = element("div", undefined, "tile " + (className || ""));
    tile.append(element("b", number), element("span", what));
    byId("tiles").append(tile);
}

/* Cells are texts or elements; narrow screens show rows as blocks. */
function tableOf(titles) {
    const table = element("table", undefined, "rows"), head = element("tr");
    for (const title of titles) head.append(element("th", title));
    table.append(head);
    table.addRow = (...cells) => {
        const row = element("tr");
        cells.forEach((cell, i) => {
            const made = element("td");
            made.dataset.title = titles[i];
            made.append(cell);
            row.append(made);
        });
        table.append(row);
        return row;
    };
    return table;
}

/* A picture to which `add` adds. */
function pictureOf(width, height) {
    const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 " + width + " " + height);
    svg.add = (name, attributes, text) => {
        const made = document.createElementNS(space, name);
        for (const key in attributes) made.setAttribute(key, attributes[key]);
        if (text !== undefined) made.textContent = text;
        svg.append(made);
    };
    return svg;
}

/* A line through points, with gaps where a value is null. */
function pathOf(values, x, y) {
    let text = "", pen = "M";
    values.forEach((v, i) => {
        if (v === null) { pen = "M"; return; }
        text += pen + x(i).toFixed(1) + " " + y(v).toFixed(1);
        pen = "L";
    });
    return text;
}

/* What every axis of uPlot's looks like. */
const axisOf = own => Object.assign({stroke: style("--soft"), grid: {stroke: style("--grid"), width: 1},
                                     ticks: {stroke: style("--grid"), width: 1},
                                     font: "12px system-ui, 'DejaVu Sans', sans-serif"}, own);

function timeText(ms) {
    const d = new Date(ms);
    return d.getUTCFullYear() + "-" + two(d.getUTCMonth() + 1) + "-" + two(d.getUTCDate()) + " " +
        two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()) + ":" + two(d.getUTCSeconds());
}

function durationText(ms) {
    const units = [["d", 864e5], ["h", 36e5], ["min", 6e4], ["s", 1e3]];
    for (const [name, size] of units)
        if (ms >= size) return Number((ms / size).toPrecision(3)) + " " + name;
    return ms + " ms";
}

/* Light or dark as the system is, until the button is pressed; `draw` is called for either. */
function followTheme(draw) {
    const set = theme => { document.documentElement.dataset.theme = theme; draw(); };
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.onchange = () => set(dark.matches ? "dark" : "light");
    byId("theme").onclick = () => set(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    dark.onchange();
}
