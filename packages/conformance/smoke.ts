import { openGpu } from '@heed/core';
import { attentionVjp } from '@heed/kernels-wgsl';
import { referenceGradients, naiveGradients, random } from '@heed/conformance';
const gpu = await openGpu();
const r=random(3);
const arr=(shape:number[])=>({shape,data:Float32Array.from({length:shape.reduce((a,b)=>a*b,1)},()=>r.normal())});
async function check(name:string,B:number,H:number,Hk:number,Lq:number,Lk:number,D:number,Dv:number,o:any={},kb=B){
 const q=arr([B,H,Lq,D]),k=arr([kb,Hk,Lk,D]),v=arr([kb,Hk,Lk,Dv]),dOut=arr([B,H,Lq,Dv]),dLse=arr([B,H,Lq]);
 const g=(x:any)=>gpu.tensor(x.data,{shape:x.shape});
 const {alibiSlopes,seqUsedK,...ro}=o;
 const sl=alibiSlopes&&{shape:[H],data:Float32Array.from(alibiSlopes)};
 const problem={q,k,v,options:{...ro,...(sl&&{alibiSlopes:sl})},...(seqUsedK&&{seqUsedK})} as any;
 const want=referenceGradients(problem,{dOut,dLse}), naive=naiveGradients(problem,{dOut,dLse});
 const t=performance.now();
 const res=attentionVjp(g(q),g(k),g(v),{...o,...(sl&&{alibiSlopes:g(sl)})});
 const got=res.backward(g(dOut),g(dLse));
 const out:string[]=[];
 for(const n of ['dq','dk','dv'] as const){const x=await got[n].read();let m=0,nm=0;const w=want[n].data;for(let i=0;i<w.length;i++){m=Math.max(m,Math.abs(x[i]!-w[i]!)||0);if(Number.isNaN(x[i]))m=NaN;nm=Math.max(nm,Math.abs(naive[n].data[i]!-w[i]!));}out.push(`${n} ${m.toExponential(1)} (naive ${nm.toExponential(1)})`);}
 console.log(name,out.join(', '),(performance.now()-t).toFixed(0)+' ms');
}
await check('plain',1,2,2,40,70,16,16);
await check('causal gqa',2,4,2,50,50,24,40,{causal:true});
await check('lq>lk causal',1,2,1,70,33,16,16,{causal:true});
await check('softcap alibi window',1,2,1,65,90,32,20,{softcap:2,alibiSlopes:[0.3,0.1],window:[20,5]});
await check('used',2,2,1,33,64,16,16,{seqUsedK:Int32Array.of(40,7),causal:true});
await check('ugly',1,1,1,5,3,7,9);
await gpu.settled();
