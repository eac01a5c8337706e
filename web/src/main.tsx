import { render } from "preact";
import { App } from "./app";
import "./styles/base.css";
import "./styles/parts.css";

const root = document.getElementById("page");
if (root) render(<App />, root);
