import './style/index.css';
import { conformanceRoom } from './conformance/room.ts';
import { exploreRoom } from './explore/room.ts';
import { frame } from './frame/frame.ts';
import { pageGpu } from './frame/gpu.ts';
import { serveRoom } from './serve/room.ts';
import { trainRoom } from './train/room.ts';

frame([exploreRoom, trainRoom, serveRoom, conformanceRoom]);
void pageGpu();
