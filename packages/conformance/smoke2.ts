process.env['MESA_SHADER_CACHE_DISABLE']='true';
const { openGpu } = await import('@heed/core');
const { attention, attentionVjp } = await import('@heed/kernels-wgsl');
const gpu = await openGpu();
const o=gpu.device.createComputePipeline.bind(gpu.device);
const H=8,S=1024,D=64;
const mk=()=>gpu.tensor(Float32Array.from({length:H*S*D},(_,i)=>Math.sin(i*12.9)),{shape:[1,H,S,D]});
const q=mk(),k=mk(),v=mk(),dO=mk();
for (const causal of [false,true]) for(let i=0;i<4;i++){
 const t0=performance.now(); const r=attentionVjp(q,k,v,{causal}); await r.out.read(); const t1=performance.now();
 const g=r.backward(dO); await g.dq.read(); const t2=performance.now(); await g.dv.read();
 console.log(causal,'fwd',(t1-t0).toFixed(0),'bwd',(t2-t1).toFixed(0), 'ratio', ((t2-t1)/(t1-t0)).toFixed(2)); for(const x of [g.dq,g.dk,g.dv,r.out,r.lse!]) x.dispose();
}
