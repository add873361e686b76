/** Starts the page. */

import Alpine from "../vendor/alpine.js";
import { registerComponents } from "./log-components.js";
import { fillIncludes } from "./page/includes.js";
import { jobList } from "./page/jobs-page.js";
import { quaeroPage } from "./page/shell.js";
import { startForm } from "./page/start-form.js";

fillIncludes(document);
registerComponents(Alpine);
Alpine.data("quaeroPage", quaeroPage);
Alpine.data("jobList", jobList);
Alpine.data("startForm", startForm);
Alpine.start();
