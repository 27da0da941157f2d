import { openGpu } from '@heed/core';
import { attentionVjp, varlenAttentionVjp } from '@heed/kernels-wgsl';
import { referenceGradients, naiveGradients, random } from '@heed/conformance';
const gpu = await openGpu();
const r=random(3);
const arr=(shape:number[])=>({shape,data:Float32Array.from({length:shape.reduce((a,b)=>a*b,1)},()=>r.normal())});
const g=(x:any)=>gpu.tensor(x.data,{shape:x.shape});
async function cmp(name:string,problem:any,by:any,got:any){
 const want=referenceGradients(problem,by), naive=naiveGradients(problem,by);
 const out:string[]=[];
 for(const n of ['dq','dk','dv'] as const){const x=await got[n].read();let m=0,nm=0;const w=want[n].data;for(let i=0;i<w.length;i++){const e=Math.abs(x[i]!-w[i]!); m=!(e<=m)?e:m;nm=Math.max(nm,Math.abs(naive[n].data[i]!-w[i]!));}out.push(`${n} ${m.toExponential(1)} (naive ${nm.toExponential(1)})`);}
 console.log(name,out.join(', '));
}
{ // broadcast
 const [B,H,L,D]=[3,2,40,16]; const q=arr([B,H,L,D]),k=arr([1,1,33,D]),v=arr([1,1,33,D]),dOut=arr([B,H,L,D]);
 await cmp('broadcast',{q,k,v,options:{causal:true}},{dOut},attentionVjp(g(q),g(k),g(v),{causal:true}).backward(g(dOut)));
}
{ const cu=Int32Array.of(0,13,13,70,75), H=4,Hk=2,D=16,T=80; const q=arr([T,H,D]),k=arr([T,Hk,D]),v=arr([T,Hk,D]),dOut=arr([T,H,D]);
 await cmp('varlen',{q,k,v,cuSeqlensQ:cu,options:{causal:true}},{dOut},varlenAttentionVjp(g(q),g(k),g(v),{cuSeqlensQ:cu,causal:true}).backward(g(dOut)));
 const used=Int32Array.of(5,0,57,2);
 await cmp('varlen used',{q,k,v,cuSeqlensQ:cu,seqUsedK:used,options:{}},{dOut},varlenAttentionVjp(g(q),g(k),g(v),{cuSeqlensQ:cu,seqUsedK:used}).backward(g(dOut)));
}
{ const cu=Int32Array.of(0,3,10,11), H=2,Hk=1,D=16,ps=7,pages=9; const q=arr([12,H,D]),k=arr([pages,ps,Hk,D]),v=arr([pages,ps,Hk,D]),dOut=arr([12,H,D]);
 const used=Int32Array.of(20,9,14); const table=Int32Array.of(3,5,1, 3,8,-1, 5,3,-1);
 await cmp('paged shared',{q,k,v,cuSeqlensQ:cu,seqUsedK:used,blockTable:table,options:{causal:true}},{dOut},varlenAttentionVjp(g(q),g(k),g(v),{cuSeqlensQ:cu,seqUsedK:used,blockTable:table,causal:true}).backward(g(dOut)));
}
await gpu.settled();
