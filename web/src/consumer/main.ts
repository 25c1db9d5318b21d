import { mount } from "svelte";
import Consumer from "./Consumer.svelte";
import "../app.css";

const target = document.getElementById("app");
if (target === null) throw new Error("consumer.html has no #app");
mount(Consumer, { target });
