import { mount } from "svelte";
import Planner from "./Planner.svelte";
import "../app.css";

const target = document.getElementById("app");
if (target === null) throw new Error("planner.html has no #app");
mount(Planner, { target });
