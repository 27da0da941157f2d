import './style/index.css';
import { conformanceRoom } from './conformance/room.ts';
import { exploreRoom } from './explore/room.ts';
import { frame } from './frame/frame.ts';
import { pageGpu } from './frame/gpu.ts';

frame([exploreRoom, conformanceRoom]);
void pageGpu();
